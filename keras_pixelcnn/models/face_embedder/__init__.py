"""FaceEmbedder."""
