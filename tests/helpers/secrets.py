"""A private key that is none, to look for where it must not be."""

PEM = (
    "-----BEGIN OPENSSH PRIVATE"
    " KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAAB3NzaC1yc2EAAAADAQABAAABgQ\n-----END OPENSSH"
    " PRIVATE KEY-----"
)
