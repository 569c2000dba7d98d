"""An independent rater, in plain fractions: the second opinion on every amount.

It shares no code with the rest: it reads raw records (JSON) and price books, applies the published rules in the
slowest and plainest way, and says what each input must have led to. Only tests, the demonstration and verification
import it. Amounts and quantities are fractions.Fraction of a currency unit and of a meter's quantum; times are ms.
"""
