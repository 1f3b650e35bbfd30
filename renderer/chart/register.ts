/** The parts of Chart.js that the window draws with; registered once, when the first chart's module is loaded. */
import {
  Chart,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  SubTitle,
  Title,
} from "chart.js";

Chart.register(LinearScale, LineController, LineElement, LogarithmicScale, PointElement, SubTitle, Title);

export { Chart };
