"""Processes in containers: sessions, their output and progress, and how they are killed."""
