"""The worker process: arq jobs that call one pipeline function each, and the sweep that finds what was lost."""
