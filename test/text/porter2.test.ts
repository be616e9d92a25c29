import { describe, expect, it } from 'vitest'
import { stemEnglish } from '../../src/text/porter2.ts'

/** Words and stems of the vocabulary that is published with the algorithm: the ones under `cons` to `cost`, and under `kn`. */
const VOCABULARY = `
consign consigned consigning consignment > consign
consist consisted consistency consistent consistently consisting consists > consist
consolation consolations console consoled consoles consoling consolingly consols > consol
consolatory > consolatori
consolidate consolidated consolidating > consolid
conspicuous conspicuously > conspicu
conspiracy > conspiraci
conspirator conspirators conspire conspired conspiring > conspir
constable constables > constabl
constance constancy > constanc
constant constantly > constant
constellations > constel
constituencies constituency constituent constituents > constitu
constitute constituted constitutes constituting constitution constitutional constitutionally > constitut
construct constructed constructing construction constructions > construct
construe > constru
consummate consummation > consumm
consumption consumptive > consumpt
contagion > contagion
contagious > contagi
contaminated contaminating contamination > contamin
contemplate contemplated contemplating contemplation contemplations contemplative > contempl
contemporaneous contemporaneously contemporaneousness > contemporan
contemporaries > contemporari
contempt contemptible > contempt
contemptuous contemptuously > contemptu
content contented contentedly contention contentment contents > content
contentious > contenti
continent continents > contin
continental > continent
contingencies contingency contingent > conting
continual continually continuance continuation continue continuing continuous continuously > continu
contradictory > contradictori
contrarieties > contrarieti
contrary > contrari
contribute contributing contribution > contribut
contributors > contributor
contrivance contrivances contrive contriving > contriv
control controlled controlling controls > control
contumelious > contumeli
contumely > contum
convenience convenient conveniently > conveni
convention conventional conventionalities conventionality conventionally > convent
conversation conversational conversationally converse conversion > convers
convivial conviviality > convivi
cooing > coo
cook cooked cooking cooks > cook
cookery > cookeri
coolest > coolest
coolly > coolli
coolness > cool
cope coping > cope
copied copies copy copying > copi
copious copiously > copious
cordial cordiality cordially cordials > cordial
core > core
cormorant > cormor
corporal corporation corporeal > corpor
corpulence corpulent > corpul
correctness > correct
corrobery > corroberi
corrugated > corrug
cosily > cosili
costermongers > costermong
costly costs > cost
cosy > cosi
cote > cote
cottage cottager cottages > cottag
knack knacks > knack
knackeries > knackeri
knave knaves > knave
knavish > knavish
kneaded kneading > knead
knee knees > knee
kneel kneeled kneeling kneels > kneel
knife > knife
knightly > knight
knit knits knitted knitting > knit
knives > knive
knocker knockers > knocker
`

describe('the English stemmer', () => {
  it('gives the stems of the published vocabulary', () => {
    for (const line of VOCABULARY.trim().split('\n')) {
      const [words, stems] = line.split(' > ').map((part) => part.split(' ')) as [string[], string[]]
      words.forEach((word, i) => {
        expect([word, stemEnglish(word)]).toEqual([word, stems[i] ?? stems.at(-1)])
      })
    }
  })

  it('does what each step of the description says of its examples', () => {
    const examples = {
      caresses: 'caress',
      ties: 'tie',
      cries: 'cri',
      gas: 'gas',
      this: 'this',
      gaps: 'gap',
      kiwis: 'kiwi',
      agreed: 'agre',
      feed: 'feed',
      luxuriated: 'luxuri',
      hopping: 'hop',
      hoping: 'hope',
      cry: 'cri',
      by: 'by',
      say: 'say',
      skis: 'ski',
      dying: 'die',
      news: 'news',
      inning: 'inning',
      succeed: 'succeed',
      generate: 'generat',
      general: 'general',
      communism: 'communism',
      arsenal: 'arsenal',
      relational: 'relat',
      apologies: 'apolog',
      hopefulness: 'hope',
      formative: 'format',
      youth: 'youth',
      boyish: 'boyish',
      flying: 'fli',
      sayings: 'say',
    }
    for (const [word, stem] of Object.entries(examples)) expect([word, stemEnglish(word)]).toEqual([word, stem])
  })

  it('leaves alone what is no English word', () => {
    for (const word of ['', 'a', 'is', 'x86s', '日本', 'größes', '2ing']) expect(stemEnglish(word)).toBe(word)
  })
})
