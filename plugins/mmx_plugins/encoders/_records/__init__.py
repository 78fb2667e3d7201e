"""What the encoders of records share: columns and their statistics, and a record as a vector."""
