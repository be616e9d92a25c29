/**
 * Articles in Russian, Chinese, Japanese, and in French with typographic apostrophes; sometimes an emoji. About 797
 * bytes as JSON. Chinese and Japanese say as much in fewer characters, so that theirs are the shorter bodies.
 */
import { seededRandom } from './random.mjs'
import { uuid } from './uuid.mjs'

const LANGUAGES = [
  {
    language: 'ru',
    space: ' ',
    body: [150, 500],
    title: [20, 50],
    authors: ['Анна Смирнова', 'Иван Петров', 'Ольга Кузнецова'],
    words:
      'время человек работа система данные запись журнал страница ошибка проверка быстро медленно сервер память диск поиск ответ вопрос город дорога река книга слово текст письмо новый старый большой малый первый последний после перед между если когда потому чтобы также очень'.split(
        ' ',
      ),
  },
  {
    language: 'zh',
    space: '',
    body: [150, 345],
    title: [8, 20],
    authors: ['王伟', '李娜', '张敏'],
    words:
      '时间 人们 工作 系统 数据 记录 日志 页面 错误 检查 快速 缓慢 服务器 内存 磁盘 搜索 回答 问题 城市 道路 河流 书籍 文字 信件 新的 旧的 很大 很小 第一 最后 之后 之前 如果 因为 也是 非常 。 ，'.split(
        ' ',
      ),
  },
  {
    language: 'ja',
    space: '',
    body: [150, 345],
    title: [8, 20],
    authors: ['佐藤健', '鈴木愛', '高橋誠'],
    words:
      '時間 人間 仕事 システム データ 記録 ログ ページ エラー 確認 速い 遅い サーバー メモリ ディスク 検索 答え 質問 町 道路 川 本 言葉 手紙 新しい 古い 大きい 小さい 最初 最後 その後 以前 もし なぜなら また とても です。 ます。'.split(
        ' ',
      ),
  },
  {
    language: 'fr',
    space: ' ',
    body: [150, 500],
    title: [20, 50],
    authors: ['Élodie Dupré', 'François Lefèvre', 'Hélène Noël'],
    words:
      'l’heure l’homme travail système données d’enregistrement journal page l’erreur vérifier vite lentement serveur mémoire disque recherche réponse question ville route rivière livre parole lettre nouveau ancien grand petit premier dernier après avant s’il parce qu’on aussi très où déjà été'.split(
        ' ',
      ),
  },
]
const EMOJI = ['🎉', '🚀', '😀', '🐛', '👍']
const EMOJI_SHARE = 0.2

export function articles(count, seed = 1) {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => article(random))
}

function article(random) {
  const language = random.pick(LANGUAGES)
  return {
    id: uuid(random),
    language: language.language,
    title: text(random, language, language.title, []),
    body: text(random, language, language.body, random.unit() < EMOJI_SHARE ? [random.pick(EMOJI)] : []),
    author: random.pick(language.authors),
    publishedAt: new Date(Date.UTC(2022, 0, 1) + Math.floor(random.unit() * 3 * 365 * 86_400_000)),
    likes: random.whole(0, 5000),
  }
}

/** Words of a length drawn between the two bounds, then `last`. join() makes a flat string. */
function text(random, { words, space }, [low, high], last) {
  const target = random.whole(low, high - 20)
  const chosen = []
  let length = -space.length
  while (length < target) {
    const word = random.pick(words)
    chosen.push(word)
    length += word.length + space.length
  }
  return [...chosen, ...last].join(space)
}
