"""How well each indicator orders the variants, against what needs no indicator, within strata and by gap."""
