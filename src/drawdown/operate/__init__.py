"""What operators do: read balances and outputs, send commands, answer dead letters. The command line is one way in."""
