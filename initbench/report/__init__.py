"""What people see of an experiment: terminal, tables, figures, Markdown, JSON. Pure functions of tables."""
