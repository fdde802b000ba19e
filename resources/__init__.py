"""What ships beside the code: icons, fonts, examples and help, read by importlib.resources."""
