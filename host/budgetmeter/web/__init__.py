"""The meter's face: a page in a browser, and HTTP for programs in any language.

A page has one of two meters behind it. `api` serves those of `budgetmeter emulate` over HTTP;
`panel` makes a single file in which the firmware itself runs in MicroPython. `view` and `counter`
run in both, `onboard` in MicroPython alone. `page/` is the page, `texts.toml` its words in four
languages, `stories` what it tells.
"""
