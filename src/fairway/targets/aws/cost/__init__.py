"""WHAT IT COSTS: a plan of Terraform and a dated price table in, a bill with reasons out. Pure.

plan JSON ─▶ planned.py ─▶ pricing/ (by resource type) ─▶ estimate.py ─▶ Estimate
                              ▲            ▲
                   prices.yaml│            │usage.py: what the app file assumes
"""
