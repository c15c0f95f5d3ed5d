"""What is done with a PBR set once it is painted: height, seams, fitted light, preview, export."""
