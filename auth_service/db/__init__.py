"""The database: engine, transactions, reads, schema. The only place that commits or rolls back."""
