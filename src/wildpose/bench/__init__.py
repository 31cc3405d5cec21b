"""How long things take on this machine: medians, their spread, and what machine that was.

`predict`: one person's box to one decoded pose. `train`: one step of each kind, in parts, against a plain one. `data`:
rendering, in stages. Each returns a document that `wildpose bench ... --out FILE` writes as JSON.
"""
