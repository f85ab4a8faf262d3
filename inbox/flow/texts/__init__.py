"""How templates, times and quoted mail read; knows no thread."""
