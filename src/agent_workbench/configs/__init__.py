"""What a config says: text and values. No database, no screen, no network but what a fetcher is given for."""
