"""The only code that knows SQL. Services see the protocols of `ports` and the values of `records`."""
