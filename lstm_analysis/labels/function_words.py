"""Words of closed classes, which a dictionary of nouns, verbs, adjectives and adverbs does not know as such."""

_LISTED = """
a an the this that these those each every either neither some any no all both such what which whose whatever
whichever another other others enough much many more most few fewer fewest less least several half one ones none
i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself we us
our ours ourselves they them their theirs themselves thou thee thy thine ye who whom whoever whomever
somebody someone something anybody anyone anything nobody nothing everybody everyone everything oneself
aboard about above across after against along alongside amid amidst among amongst around as at atop before behind
below beneath beside besides between beyond but by concerning despite down during except for from in inside into
like minus near of off on onto opposite out outside over past per plus regarding round since than through throughout
till to toward towards under underneath unlike until unto up upon versus via with within without
and or nor so yet if unless although though because while whereas whether when whenever where wherever why how
once lest
be am is are was were been being have has had having do does did doing done will would shall should can could may
might must ought need dare cannot ai ca wo sha
not n't nt 's 're 've 'll 'd 'm s t d m ll re ve
there here then thus also too very just only even again ever never yes oh ah
"""
FUNCTION_WORDS = frozenset(_LISTED.split())
"""English determiners, pronouns, prepositions, conjunctions, auxiliaries and particles, lower case.

WordNet lists many of these letters as rare nouns: *in* (indium), *a* (angstrom), *or* (Oregon), *us*, *who*, *are*."""
