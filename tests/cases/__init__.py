"""Kinds of fault that people who sell prepaid energy report, and what is right in each.

A test that fails today is marked `xfail` with the fault as its reason; mending it removes the mark.
"""
