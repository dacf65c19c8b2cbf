# Run in MicroPython: the unit tests of the module that INPUT names.
# Printed after unittest's report: how many ran, failed, ended in an error and were skipped.
import json
import sys
import unittest

name = globals()["INPUT"]
__import__(name)
module = sys.modules[name]
suite = unittest.TestSuite()
for name in dir(module):
    test = getattr(module, name)
    if isinstance(test, type) and issubclass(test, unittest.TestCase):
        suite.addTest(test)
result = unittest.TestRunner().run(suite)
print(json.dumps([result.testsRun, result.failuresNum, result.errorsNum, result.skippedNum]))
