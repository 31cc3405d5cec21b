"""`wildpose serve`: a page on this machine that takes photos, videos and the webcam. Needs the extra `serve`."""
