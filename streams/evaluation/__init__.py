"""How good the resolver is: labelled sets, figures, worst cases, and what another bundle would change."""
