"""The kill switch's page: who is asked to stop now, and asking somebody."""
