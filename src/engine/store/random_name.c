/* Readable names, as docker gives them: adjective_surname, of scientists and inventors.
 * 12 hexadecimal digits are hard to remember and to type. */

#include "engine/store/store.h"

#include <stdio.h>
#include <sys/random.h>

#include "base/cleanup.h"

static const char *const ADJECTIVES[] = {
    "able",       "admiring",  "agile",    "amazing",  "awake",     "beautiful",
    "bold",       "brave",     "bright",   "busy",     "calm",      "charming",
    "cheerful",   "clever",    "cool",     "crisp",    "curious",   "dazzling",
    "determined", "dreamy",    "eager",    "earnest",  "easy",      "elegant",
    "eloquent",   "exciting",  "fair",     "fearless", "fervent",   "festive",
    "focused",    "friendly",  "gallant",  "gentle",   "gifted",    "glad",
    "good",       "graceful",  "gracious", "happy",    "hardy",     "hopeful",
    "humble",     "inspiring", "intrepid", "jolly",    "jovial",    "keen",
    "kind",       "laughing",  "lively",   "loving",   "lucid",     "lucky",
    "magical",    "merry",     "mystic",   "modest",   "musing",    "neat",
    "nice",       "nifty",     "nimble",   "noble",    "objective", "optimistic",
    "patient",    "peaceful",  "pensive",  "polished", "practical", "priceless",
    "proud",      "quick",     "quiet",    "quirky",   "radiant",   "ready",
    "relaxed",    "reverent",  "romantic", "serene",   "sharp",     "silly",
    "sleepy",     "smart",     "steady",   "stoic",    "strong",    "sunny",
    "sweet",      "tender",    "thirsty",  "trusting", "upbeat",    "vibrant",
    "vigilant",   "vigorous",  "warm",     "wise",     "witty",     "wonderful",
    "youthful",   "zealous",   "zen",
};

static const char *const SURNAMES[] = {
    "agnesi",      "allen",        "almeida",       "archimedes", "aryabhata",
    "babbage",     "banach",       "bardeen",       "bartik",     "bassi",
    "bell",        "bhabha",       "blackwell",     "bohr",       "boole",
    "booth",       "borg",         "bose",          "brown",      "carson",
    "cartwright",  "cerf",         "chandrasekhar", "chaplygin",  "chatelet",
    "chebyshev",   "clarke",       "colden",        "cori",       "cray",
    "curie",       "darwin",       "davinci",       "diffie",     "dijkstra",
    "dirac",       "dubinsky",     "easley",        "edison",     "einstein",
    "elgamal",     "elion",        "engelbart",     "euclid",     "euler",
    "faraday",     "feistel",      "fermat",        "fermi",      "feynman",
    "franklin",    "galileo",      "galois",        "gates",      "gauss",
    "germain",     "goldberg",     "goldstine",     "golick",     "goodall",
    "gould",       "greider",      "grothendieck",  "haibt",      "hamilton",
    "haslett",     "hawking",      "heisenberg",    "hellman",    "hermann",
    "herschel",    "hertz",        "hodgkin",       "hofstadter", "hoover",
    "hopper",      "hugle",        "hypatia",       "jackson",    "jang",
    "jemison",     "jennings",     "jepsen",        "johnson",    "joliot",
    "jones",       "kalam",        "kapitsa",       "kare",       "keldysh",
    "keller",      "kepler",       "khayyam",       "khorana",    "kilby",
    "kirch",       "knuth",        "kowalevski",    "lalande",    "lamarr",
    "lamport",     "leakey",       "leavitt",       "lederberg",  "lehmann",
    "lewin",       "lichterman",   "liskov",        "lovelace",   "lumiere",
    "mahavira",    "margulis",     "matsumoto",     "maxwell",    "mayer",
    "mccarthy",    "mcclintock",   "mclean",        "mcnulty",    "meitner",
    "mendel",      "mendeleev",    "meninsky",      "merkle",     "mestorf",
    "mirzakhani",  "montalcini",   "moore",         "morse",      "moser",
    "murdock",     "napier",       "nash",          "neumann",    "newton",
    "nightingale", "nobel",        "noether",       "northcutt",  "noyce",
    "panini",      "pare",         "pascal",        "pasteur",    "payne",
    "perlman",     "pike",         "poincare",      "poitras",    "proskuriakova",
    "ptolemy",     "raman",        "ramanujan",     "rhodes",     "ride",
    "ritchie",     "robinson",     "roentgen",      "rosalind",   "rubin",
    "saha",        "sammet",       "sanderson",     "satoshi",    "shamir",
    "shannon",     "shaw",         "shirley",       "shockley",   "shtern",
    "sinoussi",    "snyder",       "solomon",       "spence",     "stonebraker",
    "sutherland",  "swanson",      "swartz",        "swirles",    "taussig",
    "tesla",       "tharp",        "thompson",      "torvalds",   "tu",
    "turing",      "varahamihira", "vaughan",       "villani",    "visvesvaraya",
    "volhard",     "wescoff",      "wilbur",        "wiles",      "williams",
    "wilson",      "wing",         "wozniak",       "wright",     "wu",
    "yalow",       "yonath",       "zhukovsky",
};

void store_random_name(char *out, size_t size)
{
    uint32_t r[2] = {0};
    if (getrandom(r, sizeof(r), 0) < 0)
        r[0] = 0; /* a name need not be random; an id must */
    snprintf(out, size, "%s_%s", ADJECTIVES[r[0] % ARRAY_SIZE(ADJECTIVES)],
             SURNAMES[r[1] % ARRAY_SIZE(SURNAMES)]);
}
