"""Plots of explanations, one noun per module; made with plotnine."""
