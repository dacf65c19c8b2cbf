"""A second model of one procedure of each region, as statecharts: days are ticked one by one.

Nobody shares code here: no terms, no chains, no borders. A chart knows in which state a procedure
is and how many days it counted there; `may` says whether its next step may be done.
"""

from sismic.interpreter import Interpreter
from sismic.io import import_from_yaml

# A plan: its own day still counts, the day that breaks it does not.
AGREEMENT = """\
      - name: agreement
        initial: free
        states:
          - name: free
            transitions:
              - event: plan
                guard: not active('quiet')
                target: made
          - name: made
            transitions:
              - event: tick
                target: agreed
              - event: breach
                target: free
              - event: settled
                target: free
          - name: agreed
            transitions:
              - event: breach
                target: broken
              - event: settled
                target: free
          - name: broken
            transitions:
              - event: tick
                target: free
              - event: settled
                target: free
"""

# The days a state is left after are counted from the day after it was entered.
WALLONIA = (
    """
statechart:
  name: Wallonia, default of payment
  preamble: |
    days = 0
    owed = 0
  root state:
    name: root
    parallel states:
      - name: procedure
        initial: quiet
        states:
          - name: quiet
            transitions:
              - event: invoice
                target: billed
          - name: billed
            on entry: days = 0
            transitions:
              - event: invoice
                target: billed
              - event: reminder
                target: reminded
              - event: settled
                target: quiet
              - event: tick
                guard: active('free') or active('made')
                action: days = days + 1
          - name: reminded
            on entry: days = 0
            transitions:
              - event: notice
                target: noticed
              - event: settled
                target: quiet
              - event: tick
                guard: active('free') or active('made')
                action: days = days + 1
          - name: noticed
            on entry: days = 0
            transitions:
              - event: default
                target: defaulted
              - event: settled
                target: quiet
              - event: tick
                guard: active('free') or active('made')
                action: days = days + 1
          - name: defaulted
            on entry: days = 0
            transitions:
              - event: settled
                target: quiet
              - event: tick
                guard: active('free') or active('made')
                action: days = days + 1
"""
    + AGREEMENT
)

FLANDERS = (
    """
statechart:
  name: Flanders, default of payment
  preamble: |
    days = 0
    working = 0
  root state:
    name: root
    parallel states:
      - name: procedure
        initial: quiet
        states:
          - name: quiet
            transitions:
              - event: invoice
                target: sent
          - name: sent
            on entry: working = 0
            transitions:
              - event: settled
                target: quiet
              - event: workday
                action: working = working + 1
              - event: tick
                guard: working >= 3
                target: received
          - name: received
            on entry: days = 0
            transitions:
              - event: reminder
                target: reminded
              - event: settled
                target: quiet
              - event: tick
                guard: active('free') or active('made')
                action: days = days + 1
          - name: reminded
            on entry: days = 0
            transitions:
              - event: notice
                target: noticed
              - event: settled
                target: quiet
              - event: tick
                guard: active('free') or active('made')
                action: days = days + 1
          - name: noticed
            on entry: days = 0
            transitions:
              - event: settled
                target: quiet
              - event: tick
                guard: active('free') or active('made')
                action: days = days + 1
"""
    + AGREEMENT
)

BRUSSELS = """
statechart:
  name: Brussels, gas, to the judge
  preamble: days = 0
  root state:
    name: root
    parallel states:
      - name: procedure
        initial: quiet
        states:
          - name: quiet
            transitions:
              - event: reminder
                target: reminded
          - name: reminded
            transitions:
              - event: notice
                target: noticed
              - event: settled
                target: quiet
          - name: noticed
            on entry: days = 0
            transitions:
              - event: settled
                target: quiet
              - event: tick
                guard: active('free')
                action: days = days + 1
      - name: status
        initial: free
        states:
          - name: free
            transitions:
              - event: protected
                guard: not active('quiet')
                target: protected
          - name: protected
            transitions:
              - event: lost
                target: free
              - event: settled
                target: free
"""


class Chart:
    """A statechart that is run day by day.

    :param wanted: state to (step, days that must have been counted in it)
    """

    def __init__(self, text, wanted):
        self.interpreter = Interpreter(import_from_yaml(text))
        self.interpreter.execute()
        self.wanted = wanted

    def tell(self, *events):
        for event in events:
            self.interpreter.queue(event).execute()

    @property
    def states(self):
        return set(self.interpreter.configuration)

    @property
    def free(self):
        """Whether no agreement bars a step; the day that breaks one bars none, and counts not."""
        return "free" in self.states or "broken" in self.states

    def next_step(self):
        """The step that comes next and whether its days are over; None where there is none."""
        for state, (step, days) in self.wanted.items():
            if state in self.states:
                return step, self.interpreter.context["days"] >= days and self.free
        return None
