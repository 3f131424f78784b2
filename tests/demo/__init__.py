"""`make demo`: the whole path on this machine, against simulated Arrs and a simulated video host."""
