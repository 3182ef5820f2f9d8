say api ready
