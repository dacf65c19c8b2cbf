"""Every byte that leaves or is stored by the meter, declared once with construct.

`codes` holds the numbers that stand for words, `quantity` the field types with unit and range,
`records` the meter's state and profile; `generate` turns them into `meterfw/layouts.py`.
Nothing here imports the firmware or the host side.
"""
