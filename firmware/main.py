"""What a board runs when it starts: the meter, or the REPL when that was asked for."""

import board

if not board.safe_boot():
    import machine
    import micropython
    from meterfw.meter import Meter
    from meterfw.store.crashes import Crashes

    micropython.kbd_intr(-1)  # an octet 3 in a frame is data, no Ctrl-C
    made = board.make()
    crashes = Crashes(made)
    try:
        meter = Meter(made, crashes)
        watchdog = machine.WDT(
            timeout=board.WATCHDOG_MS
        )  # cannot be stopped: never before the REPL
        while True:
            meter.poll()
            watchdog.feed()
    except Exception as error:
        crashes.note(error)
        if crashes.safe:  # it does not even start: the REPL shows why
            micropython.kbd_intr(3)
            raise
        machine.reset()
