"""Words too common to tell one message from another, by language. They also tell which language a text is in."""

from __future__ import annotations

STOP_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "english": """a an the and or but if then than so as of at by for with about into through during before after to
            from in on off over under again i me my we our us you your he him his she her it its they them their this
            that these those is am are was were be been being have has had having do does did doing done will would can
            could should may might must shall not no nor only own same too very just also there here up down out what
            which who whom whose when where why how s t re ve ll d m i'm i've i'll i'd it's that's don't didn't doesn't
            isn't wasn't can't couldn't won't wouldn't he's she's they're we're you're what's let's gonna yeah ok okay
            oh hey hi""",
        "german": """der die das den dem des ein eine einen einem einer eines und oder aber wenn dann als so wie von bei
            für mit über in im ins am an auf aus zu zum zur nach vor ich mich mir mein meine meinen meiner meinem wir uns unser
            unsere du dich dir dein deine er ihn ihm sein seine sie ihr ihre es ist bin bist sind war waren wird werden
            wurde hat habe haben hatte hast nicht kein keine nur auch noch schon da hier dort was welche welcher welches
            wer wen wem wann wo warum wieso man dass sich doch mal ja nein sehr kann können muss will soll gibt""",
        "spanish": """el la los las un una unos unas y o pero si entonces como de del a al por para con sobre en desde hasta
            yo me mi mis nos nuestro nuestra tú te tu tus él lo le les ella ellos ellas su sus se este esta esto estos
            estas ese esa eso es soy eres son era fue ser está estoy están estaba ha he han había hay no ni solo
            también muy ya aquí allí qué cuál cuáles quién quiénes cuándo dónde cómo cuánto cuántos porque que""",
        "french": """le la les un une des du de et ou mais si alors comme à au aux par pour avec sur dans en vers je me moi
            mon ma mes nous notre nos tu te toi ton ta tes il lui son sa ses elle ils elles leur leurs ce cet cette ces
            c'est est suis es sont était été être ai as a ont avait avoir ne pas non que qui quoi quel quelle quels
            quelles quand où comment combien pourquoi y se on plus très aussi j'ai d'un d'une qu'il l'on""",
        "italian": """il lo la i gli le un uno una e o ma se allora come di del della dei delle a al alla da dal per con su
            sul in nel nella io mi me mio mia miei mie noi ci nostro tu ti te tuo tua lui lei suo sua loro si questo
            questa questi queste quello quella è sono sei era ero stato essere ho hai ha hanno aveva avere non né
            che chi cosa quale quali quando dove come perché anche molto più già qui""",
        "portuguese": """o a os as um uma uns umas e ou mas se então como de do da dos das ao à por para com sobre em no na
            nos nas eu me mim meu minha meus minhas nós nosso você te teu tua ele ela eles elas seu sua seus suas lhe
            este esta isto esse essa isso é sou são era foi ser está estou estão tem tenho têm tinha há não nem só
            também muito já aqui ali que qual quais quem quando onde quanto porque""",
        "dutch": """de het een en of maar als dan zo van bij voor met over in op aan uit naar tot ik me mij mijn wij we ons
            onze jij je jou jouw hij hem zijn haar ze zij hun dit dat deze die is ben bent was waren wordt worden werd
            heb hebt heeft hebben had niet geen ook nog al er hier daar wat welke wie wanneer waar waarom hoe zich
            om te kan kunnen moet wil""",
        "swedish": """en ett och eller men om då som så av vid för med över i på från till jag mig min mitt mina vi oss vår
            du dig din ditt han honom hans hon henne hennes den det de dem deras denna är var varit vara blir blev har
            hade ha inte ingen bara också här där vad vilken vilka vem när hur varför sig att kan ska""",
        "russian": """и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по ее мне было вот от
            меня еще нет о из ему когда даже ну ли если или быть был него до вас опять вам ведь там потом себя
            ей они тут где есть надо ней для мы тебя их чем была сам чтоб без будто чего раз тоже себе под кто этот мой
            моя мои это""",
    }.items()
}

JAPANESE_CHINESE_PARTICLES = frozenset("的了是在我你他她它们們吗嗎呢吧啊么麼这這那和与也都就很不の は が を に で と も か へ や から まで です ます した して いる ある".split())
