"""A device that runs on its own: systemd's unit and watchdog, the installed models, the doctor."""
