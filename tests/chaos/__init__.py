"""Chaos: processes are killed and cut off while events come in, and nothing may be lost or done twice."""
