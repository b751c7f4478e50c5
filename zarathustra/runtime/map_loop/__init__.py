"""The loop of the services that map records to records, its routes and bounds, and what it reports."""
