"""scipy.ndimage: filters of images, and values between their points."""

from miniflow_xp.scipy.ndimage import coordinates, filters, smoothing

__all__ = ["coordinates", "filters", "smoothing"]
