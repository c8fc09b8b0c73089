"""What resumable streams share."""
