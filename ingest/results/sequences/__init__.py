"""Tracks in sequences of images, as formats in text files have them: MOTChallenge and KITTI."""
