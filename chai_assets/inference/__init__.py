"""What models cost: the ledger of calls, budgets that stop in time, and the sums people ask for."""
