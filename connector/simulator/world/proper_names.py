"""Names of persons, as the models know them: as names, and hardly one from the other."""

import re

PROPER_NAMES = frozenset(
    re.findall(
        r"\w+",
        """abadi adeyemi akhtar albrecht almeida amundsen andrade antonov aslan asplund baczynski balogun
        banerjee barbosa bartok basu becerra bellini bergstrom bianchi bjornsson bondarenko borges boucher
        brzezinski cabrera calloway cardoso castellano cermak chaudhry chevalier cisneros corrigan dabrowski
        dahlberg davenport delacroix demirci desrosiers dimitrov donovan dubois eczacibasi eklund engstrom
        escobar esposito fairbanks farouk fernandes ferrante fitzgerald fontaine friedrich fujimoto gadhavi
        gallagher garibaldi ghosh gonzaga grabowski gunnarsson gutierrez haddad halvorsen hashimoto hernandez
        hoffmann horvath ibrahim ivanova iyengar jankowski jaramillo johansson kalashnik kapoor karlsson
        kaminski katsaros kessler khatami kieslowski kobayashi kovalenko kowalczyk kristensen kuznetsov
        lachance lagerfeld lindqvist lombardi macgregor mahmoud malinowski mancini marchetti matsumoto mbeki
        mcallister mendoza mikkelsen montgomery moreau mukherjee nakamura navarro nguyen novak nowicki obrien
        okafor oliveira ostrowski papadakis pellegrini petrov pfeiffer quintero rasmussen ravichandran rinaldi
        rosenthal sandoval schneider shevchenko sokolov takahashi thorvald ulrich vandenberg villanueva
        wachowski wojcik yamaguchi zapata zielinski""",
    )
)
