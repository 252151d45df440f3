"""What every call to a model goes through, whoever answers: keys, limits, retries, prices, stored answers."""
