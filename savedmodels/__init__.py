"""Programs around exported models: write one, and run one without Python."""

from savedmodels import quiet_start

if quiet_start.is_started_as_program():
    quiet_start.load_tensorflow()
