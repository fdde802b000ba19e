"""What ships with the program: icons, fonts, examples and help; read through importlib.resources."""
