"""Programs that train, score and sample: flags and configs around the library."""

from savedmodels import quiet_start

if quiet_start.is_started_as_program():
    quiet_start.load_tensorflow()
