"""Messages of DDEX's Electronic Release Notification, version 4, as uploads: pure functions over nodes."""
