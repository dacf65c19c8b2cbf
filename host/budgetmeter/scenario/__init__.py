"""Stories: a load, dated actions and expectations, run on the emulator."""
