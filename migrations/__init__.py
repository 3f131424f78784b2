"""The database's schema, step by step; `app.db.schema` runs the steps."""
