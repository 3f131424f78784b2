"""TMDB, which knows the videos of movies and series."""
