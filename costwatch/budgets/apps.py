from django.apps import AppConfig


class BudgetsConfig(AppConfig):
    name = "costwatch.budgets"
