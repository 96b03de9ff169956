"""AWS, DNS and SMTP on a laptop: a program of its own that speaks the real wire protocols on loopback."""
