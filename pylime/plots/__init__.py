"""
Plots of explanations.

The rule of this room: a plot of an explanation takes its data frame only. `plot_superpixels`
needs no explanation and takes an image.
"""
