"""Statistics of readings: control charts with their rules, capability, histogram, Pareto, comparison of strata.

Standard formulas over plain numbers; each module names where its formula and constants come from:

- *Montgomery*: D. C. Montgomery, Introduction to Statistical Quality Control, 6th edition, 2009.
- *NIST*: NIST/SEMATECH e-Handbook of Statistical Methods, https://www.itl.nist.gov/div898/handbook/.
- *Western Electric*: Statistical Quality Control Handbook, 1956.
- *Nelson*: L. S. Nelson, The Shewhart Control Chart: Tests for Special Causes, J. Quality Technology 16 (1984).
"""
